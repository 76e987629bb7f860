import java.util.concurrent.*;
public class T { public static void main(String[] a) throws Exception {
 ExecutorService e = Executors.newFixedThreadPool(4); long s=0; var l = new java.util.ArrayList<Future<Long>>();
 for (int i=0;i<8;i++){final int k=i; l.add(e.submit(()->{long x=k; for(int j=0;j<2000000;j++) x = x*31+j^(x>>>7); var m=new java.util.HashMap<Integer,String>(); for(int j=0;j<20000;j++) m.put(j,"v"+j); return x+m.size();}));}
 for (var f:l) s+=f.get(); e.shutdown(); System.out.println(s);
 StringBuilder b=new StringBuilder(); for(int i=0;i<1000;i++) b.append(i); System.out.println(b.toString().hashCode());
 try { Object o=null; o.toString(); } catch (NullPointerException x) { System.out.println("NPE"); }
 try { rec(0);} catch (StackOverflowError x) { System.out.println("SOE"); }
 }
 static int rec(int i){ return rec(i+1)+1; } }
